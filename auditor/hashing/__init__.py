"""The batched hashing core: arrays in, arrays out; knows nothing of splits or rules."""
