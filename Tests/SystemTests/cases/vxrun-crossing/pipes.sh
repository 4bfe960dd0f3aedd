# A script of ours, in which the host's programs run ours.
grep 5 nine | vxrun bash -c '/ours/cat | tr 5 x' | cat
seq 5 | vxrun bash -c '/ours/sed 1q > /dev/null; echo rest'
{
	/ours/sed 1q
	vxrun /usr/bin/head -n1
	/ours/sed 1q
	vxrun bash -c '/ours/sed 1q; head -n 1'
} < nine
# Many, and nothing is left.
load std
for n in `{seq 20} {
	vxrun bash -c 'for n; do /ours/echo $n | /ours/cat | tr 0-9 a-j >/dev/null || echo failed; done' sh $n
}
sleep 0.3
ps | sed -n '/cat$|tr$|bash$/p'
echo done
