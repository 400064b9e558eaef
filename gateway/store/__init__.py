"""The store: one function library in Redis or Valkey, typed bindings, and the batcher in front of it."""
