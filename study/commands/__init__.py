"""What the commands share: options, exit statuses, words for people."""
