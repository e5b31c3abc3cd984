"""Pre-training of backbones on classifying images: of one's own, or the project's shapes."""
