// Appl
