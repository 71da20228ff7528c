"""What is told of calls: rows, tables, pictures and pages."""
