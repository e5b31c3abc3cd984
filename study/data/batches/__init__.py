"""From an index to what the network sees: decoded images, their objects, augmented batches."""
