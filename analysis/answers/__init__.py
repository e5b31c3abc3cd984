"""What the confirm runs say: leads, their intervals, where they end, what each arm has seen."""
