"""What `python -m study.prepare` does besides reading data: its page, the models, weights."""
