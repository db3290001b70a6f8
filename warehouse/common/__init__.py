"""What mining, aggregation and retraining have in common, since none of them imports another."""
