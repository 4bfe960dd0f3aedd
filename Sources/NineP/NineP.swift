// NineP
