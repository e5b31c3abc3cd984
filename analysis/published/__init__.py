"""The paper's numbers and claims, and how a study stands to them."""
