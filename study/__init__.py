"""The product: data, models, engine, and the sweep that runs them. Imports point one way."""
