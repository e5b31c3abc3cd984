"""What `benchmarks.check_gpu` checks, a file for each."""
