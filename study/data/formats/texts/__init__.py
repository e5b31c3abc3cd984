"""Files of text that data sets are written in: JSON, XML, YAML, or where and why they are none."""
