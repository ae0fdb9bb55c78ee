"""New versions of a pool that keep its assignments, whoever rolls them out."""
