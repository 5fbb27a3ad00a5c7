"""All benchmarks, one after the other: `make bench`, after `make repro`."""

from benchmarks import near, noop, privacy, training

noop.main()
training.main()
privacy.main()
near.main()
