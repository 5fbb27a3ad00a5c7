"""All benchmarks, one after the other: `make bench`, after `make repro`."""

from benchmarks import data, generation, memory, near, noop, privacy, training

noop.main()
training.main()
memory.main()
generation.main()
privacy.main()
near.main()
data.main()
