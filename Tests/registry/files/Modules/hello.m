# A module for the registry test: one function of each shape.
Hello: module
{
	PATH:	con "$Hello";
	ONE, TWO:	con 1 + iota;

	Point: adt
	{
		x, y:	int;
	};
	Points: type list of (string, Point);

	hello:	fn(): string;
	add:	fn(a, b: int): int;
	move:	fn(p: Point, by: (int, int)): Point;
	every:	fn(a: byte, b: big, c: real, d: array of byte, e: ref FD, rest: Points): (real, list of list of string);
};
