"""Ground floor: types, errors, registry and axis names. Imports torch and the standard library."""
