"""The intermediate form: expressions, statements, facts, control-flow graph."""
