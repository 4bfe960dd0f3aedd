# kill.sh: what a client does in kill.py. Read by a shell that then calls `round`.
load std
load expr

# transfer KIND FILE NAME: moves a file of /n/host/data into one of another name, by way of the peer.
fn transfer {
	if {~ $1 cp} {cp /n/peer/data/$2 /n/host/down/$3} {
		if {~ $1 cat} {cat /n/peer/data/$2 > /n/host/down/$3} {cp /n/host/data/$2 /n/peer/up/$3}
	}
}

# worker KIND FILE ROUND: transfers until one fails; tells of each that is whole.
fn worker {
	kind=$1
	n=0
	while {transfer $kind $2 $3.$2.$n >[2=1]} {
		echo whole $kind $3.$2.$n
		n=${expr $n 1 +}
	}
	echo ended $kind $3.$2.$n
}

# round NUMBER ADDRESS DIALECT TRANSFERS: as many workers as that, until the server is gone.
fn round {
	if {mount -t $3 $2 /n/peer /n/host} {
		echo mounted
		for i in `{seq 0 ${expr $4 1 -}} {
			kind=cp
			if {ntest ${expr $i 4 % 2 eq}} {kind=cat}
			if {ntest ${expr $i 4 % 3 eq}} {kind=up}
			worker $kind $i $1 &
		}
		for i in `{seq $4} {wait}
		unmount /n/peer
	} {echo not mounted}
	cd /prog
	echo left [0-9]*
	cd /
	echo round $1 done
}

# warm ADDRESS: what opens descriptors that are kept is used once: a connection also while it is quiet.
fn warm {
	mount $1 /n/peer /n/host
	cp /n/peer/data/0 /n/peer/up/warm
	for i in `{seq 8} {cat /n/peer/data/$i >/dev/null &}
	for i in `{seq 8} {wait}
	rm /n/peer/up/warm
	sleep 2
	unmount /n/peer
	echo warm
}
mkdir -p /n/peer
