"""All benchmarks, one after the other: `make bench`, after `make repro`."""

from benchmarks import data, generation, memory, near, noop, overhead, privacy, training

noop.main()
training.main()
overhead.main()
memory.main()
generation.main()
privacy.main()
near.main()
data.main()
