#!/usr/bin/env bash
# Makes .venv: the packages of requirements.txt, and this one. `make` calls it before every
# target; when nothing changed since the last time, it returns at once and asks no network.
# PYTHON=python3.12 make test    chooses the interpreter.
set -euo pipefail
unset CDPATH  # cd would look there first
cd "$(dirname "$0")/.."

supported="3.10 3.11 3.12 3.13"
stamp=.venv/complete  # written last: without it an installation was interrupted
log=.venv/install.log
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_USER=0  # of a user's own settings

fail() { printf '%s\n' "$*" >&2; exit 1; }

version_of() { "$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null; }

is_supported() { [[ " $supported " == *" $1 "* ]]; }

named_python() {  # PYTHON was set: that one or none
  local version
  version=$(version_of "$PYTHON") || fail "PYTHON=$PYTHON does not start: name a Python" \
    "from 3.10 to 3.13, for example PYTHON=/usr/bin/python3.12 make test."
  is_supported "$version" || fail "$PYTHON is Python $version, and this course needs Python" \
    "3.10 to 3.13: name another, for example PYTHON=/usr/bin/python3.12 make test."
  echo "$PYTHON"
}

found_python() {  # python3 if it is new and old enough, or another one on the PATH
  local name version default=""
  for name in python3 python3.13 python3.12 python3.11 python3.10; do
    version=$(version_of "$name") || continue
    default=${default:-$version}
    if is_supported "$version"; then
      [[ $name == python3 ]] || echo "python3 is Python $default: using $name instead." >&2
      echo "$name"
      return
    fi
  done
  fail "This course needs Python 3.10 to 3.13, and ${default:+only Python }${default:-none} is" \
    "here: install one and name it, for example PYTHON=/usr/bin/python3.12 make test."
}

fingerprint() {  # of all that decides what .venv holds
  cat requirements.txt pyproject.toml tools/setup.sh | cksum
  pwd -P
}

has_venv() {  # whole, of a Python that fits, and of the one named if one is named
  local version
  [[ -f $stamp ]] && version=$(version_of .venv/bin/python) && is_supported "$version" &&
    [[ -z ${PYTHON:-} || $version == "$(version_of "$PYTHON")" ]]
}

make_venv() {
  local python
  python=$(if [[ -n ${PYTHON:-} ]]; then named_python; else found_python; fi)
  rm -f $stamp
  "$python" -m venv --clear .venv || fail "$python cannot make a virtual environment:" \
    "install its venv module (Debian, Ubuntu: apt install python$(version_of "$python")-venv)."
}

pip_install() {  # nothing is resolved: requirements.txt names all there is to install
  .venv/bin/python -m pip install --no-deps --progress-bar off "$@" 2>&1 | tee -a $log |
    awk '/^Collecting/ && ++n % 30 == 0 { print "  " n " packages here"; fflush() }
         /^Installing collected/ && n { print "  unpacking"; fflush() }' ||
    fail "The installation stopped (is there a network?): $log says where;" \
      "the same command again goes on." "$(printf '\n'; grep -i error $log | tail -n 3)"
}

if has_venv; then
  [[ $(fingerprint) != "$(cat $stamp)" ]] || exit 0
  echo "requirements.txt or pyproject.toml changed: updating .venv"
else
  make_venv
  echo "Installing TensorFlow, Jupyter and what they need into .venv, for Python" \
    "$(version_of .venv/bin/python)"
  echo "(some 160 packages, 2.9 GB on disk, a few minutes, only this once)"
fi
rm -f $stamp $log
SECONDS=0
pip_install --requirement requirements.txt
pip_install --no-build-isolation --editable .
.venv/bin/python -c "import matplotlib.font_manager"  # lists the fonts, once, not in a notebook
fingerprint > $stamp
echo "Installed in $SECONDS s."
