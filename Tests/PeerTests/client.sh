# client.sh DIALECT ADDRESS ANAME: emu's programs on a tree that another server serves; a step a line.
load std
load expr
load '$Sys'
dialect=$1
where=$2
aname=$3

mkdir -p /n/peer
if {! mount -c -t $dialect $where /n/peer $aname} {
	echo mount FAIL: $status
	exit failed
}
cd /n/peer

# step NAME {BLOCK}: the block's status is the step's.
fn step {
	name=$1
	why=`{$2 >[2=1]}
	if {~ $#why 0} {echo $name ok} {echo $name FAIL: $why}
}

# same A B: says so where two files differ.
fn same {cmp $1 $2}
# is GOT WANTED
fn is {if {! ~ $1 $2} {echo got $1 not $2}}
# refused COMMAND: says so where it works.
fn refused {if {$* >/dev/null >[2=1]} {echo not refused: $*}}

step create {
	mkdir d
	echo hello > d/f
	is `{cat d/f} hello
	refused mkdir d
	refused cat absent
	refused cat d/f/below
}
step list {
	mkdir many
	for i in `{seq 200} {echo $i > many/file$i}
	is `{ls many | wc -l} 200
	is `{cat many/file77} 77
	rm many/file^`{seq 100}
	is `{ls many | wc -l} 100
}
step transfer {
	dd 'if=/dev/random' 'of=/tmp/big' 'bs=1048576' 'count=20' >[2]/dev/null
	cp /tmp/big big
	same /tmp/big big
	cat big > /tmp/back
	same /tmp/big /tmp/back
	rm /tmp/back
}
step rename {
	echo one > a
	mv a b
	refused ls a
	is `{cat b} one
	mkdir old
	echo in > old/x
	mv old new
	is `{cat new/x} in
}
step remove {
	refused rmdir new
	rm new/x
	rmdir new
	refused ls new
	rm b
}
step stat {
	echo 12345 > s
	chmod 640 s
	is `{stat -c %s/%a s} 6/640
	touch -d '2001-09-09 01:46:40 UTC' s
	is `{stat -c %Y s} 1000000000
}
step append {
	echo one > app
	echo two >> app
	is `{wc -l < app} 2
}
step parallel {
	for i in 1 2 3 4 5 6 7 8 {cp /tmp/big big$i &}
	for i in 1 2 3 4 5 6 7 8 {wait}
	for i in 1 2 3 4 5 6 7 8 {same /tmp/big big$i}
	rm big1 big2 big3 big4 big5 big6 big7 big8
}
if {~ $dialect 9p2000.L} {
	step links {
		echo target > t
		ln -s t soft
		is `{readlink soft} t
		is `{cat soft} target
		ln t hard
		is `{stat -c %h hard} 2
		rm t
		is `{cat hard} target
	}
}
if {~ $dialect 9p2000.L} {
	step lock {
		echo 0123456789 > locked
		one=${open locked ORDWR}
		two=${open locked ORDWR}
		is ${trylock $one LWRITE 0 0} 1
		is ${trylock $two LREAD 0 0} 0
		is ${hd ${getlock $two LREAD 0 0}} 1
		unlock $one 0 0
		is ${trylock $two LWRITE 0 0} 1
		is ${trylock $one LWRITE 0 0} 0
		close $two
		is ${trylock $one LWRITE 0 0} 1
		close $one
	}
}
step tree {
	mkdir -p x/y/z
	echo deep > x/y/z/f
	cp -r x x2
	same x/y/z/f x2/y/z/f
	tar -cf /tmp/x.tar x
	rm -r x x2
	tar -xf /tmp/x.tar
	is `{cat x/y/z/f} deep
	is `{find x -type f | wc -l} 1
	rm -r x
}
cd /
unmount /n/peer
