"""How data sets reach a machine: what to download, and copies from an object store."""
