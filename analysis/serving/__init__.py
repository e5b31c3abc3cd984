"""The report's page for a browser, while a study runs."""
