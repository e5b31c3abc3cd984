"""Bad input, as a corpus: each case is a command and what its refusal must say."""
