# Says when it is let go on.
trap 'echo goes on' CONT
echo runs
while :; do sleep 0.01; done
