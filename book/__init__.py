"""How the book is made: set-up, execution, pages, reruns. `ngdlib` never imports this."""
