"""Diagnosis: what each word of an answer rests on, by changing the picture and the words."""
