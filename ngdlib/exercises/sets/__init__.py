"""The files of questions and what their authors need."""
