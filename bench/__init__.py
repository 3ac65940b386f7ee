"""Benches: definitions as data, one runner, peers under the same load, results with machine facts."""
