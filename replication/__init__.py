"""The log and its replica: what makes an accepted command durable, ordered and applied once."""
