# Says when it is let go on.
trap 'echo goes on' CONT
echo runs
while :; do read -r line; done
