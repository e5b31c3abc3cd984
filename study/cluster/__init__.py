"""The only place that imports ray: trials, worker groups, the searcher and the scheduler."""
