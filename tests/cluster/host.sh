#!/bin/bash
# The first process of a machine made by hosts.py, in mount, process, network, name and IPC namespaces
# of its own. What it writes lives in memory and goes with it; what it has of the real machine is the
# file system below its own (read only by being a lower layer), and the folders in KEEP.
#
#   NAME      its host name                 KEYS   who may log in: a file in authorized_keys format
#   FOLDER    keys and host names           KEEP   folders to be seen although their parents are hidden
#   SHARED    shown at /study, on all       ENVIRONMENT  the virtual environment that ~/venv is built on
#   ROLE      host, or laptop: no sshd      SETENV  what sshd gives every session, NAME=VALUE …
set -euo pipefail

login=ubuntu   # as the cluster files have it
disk=/mnt      # any empty folder: only this mount namespace sees what lies there
hostname "$NAME"
mount -t tmpfs -o mode=755 disk "$disk"
mkdir "$disk/upper" "$disk/work" "$disk/root"
# overlayfs refuses an upper layer that lies below its lower one: hence the disk in memory
mount -t overlay overlay -o "lowerdir=/,upperdir=$disk/upper,workdir=$disk/work" "$disk/root"
cd "$disk/root"
mount -t proc proc proc
mount --rbind /dev dev
mount -t tmpfs -o size=1g,mode=1777 shm dev/shm
mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts dev/pts
mount --bind dev/pts/ptmx dev/ptmx
mount -t sysfs -o ro sysfs sys
# one core: Ray reads it where containers have it
mount -t tmpfs cgroup sys/fs/cgroup
mkdir sys/fs/cgroup/cpuset
echo 0 > sys/fs/cgroup/cpuset/cpuset.cpus
for folder in tmp run root home; do mount -t tmpfs -o mode=755 private "$folder"; done
chmod 1777 tmp
for folder in ${KEEP//:/ }; do
  mkdir -p ".$folder"
  mount --bind "$folder" ".$folder"
  mount -o remount,ro,bind ".$folder"
done
mkdir -p study run/sshd
mount --bind "$SHARED" study

grep -q "^$login:" etc/passwd || {
  echo "$login:x:1999:1999::/home/$login:/bin/bash" >> etc/passwd
  echo "$login:x:1999:" >> etc/group
  echo "$login:*:19000:0:99999:7:::" >> etc/shadow
}
cp "$FOLDER/names" etc/hosts
python=$(readlink -f "$ENVIRONMENT/bin/python")
packages=$("$ENVIRONMENT/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
umask 022
for home in root "home/$login"; do
  mkdir -p "$home/.ssh"
  chmod 700 "$home/.ssh"
  cp "$KEYS" "$home/.ssh/authorized_keys"
  echo 'test -f ~/.bashrc && . ~/.bashrc' > "$home/.profile"
done
if [ "$ROLE" = laptop ]; then
  cp "$FOLDER/id_ed25519" "$FOLDER/id_ed25519.pub" root/.ssh/
  echo "export PATH=$ENVIRONMENT/bin:\$PATH" > root/.bashrc
else
  # What `python3.11 -m venv` and a first `pip install` leave, without their download: there is no
  # network. pip finds every package there, and installs the project by itself.
  venv=home/$login/venv
  "$python" -m venv --without-pip "$venv"
  echo "$packages" > "$("$PWD/$venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/machine.pth"
  for script in pip ray; do
    sed "1s|.*|#!/$venv/bin/python|" "$ENVIRONMENT/bin/$script" > "$venv/bin/$script"
    chmod 755 "$venv/bin/$script"
  done
  mkdir -p "home/$login/.config/pip"
  printf '[global]\nno-index = true\n[install]\nno-build-isolation = false\n' > "home/$login/.config/pip/pip.conf"
fi
chown -R "$(awk -F: -v "name=$login" '$1 == name {print $3 ":" $4}' etc/passwd)" "home/$login"
install -m 600 "$FOLDER/host_key" run/host_key

mkdir -p .old
pivot_root . .old
cd /
umount -l /.old
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
: > "/study/.$NAME.ready"
[ "$ROLE" = laptop ] && exec sleep infinity
exec /usr/sbin/sshd -D -e -f /dev/null -o HostKey=/run/host_key -o PidFile=none -o UsePAM=no \
  -o PasswordAuthentication=no -o MaxStartups=100 -o MaxSessions=100 ${SETENV:+-o "SetEnv=$SETENV"}
