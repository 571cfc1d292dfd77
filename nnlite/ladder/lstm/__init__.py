"""The rungs of the LSTM, from the lowest to the highest."""
