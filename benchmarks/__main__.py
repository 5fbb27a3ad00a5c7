"""All benchmarks, one after the other: `make bench`, after `make repro`."""

from benchmarks import generation, noop, training

noop.main()
training.main()
generation.main()
