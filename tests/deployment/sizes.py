"""How large some functions are as they are released, zipped as Lambda takes them, and how long one needs from its start until it asks for its first
event. No zip may be larger than 5 MB: Lambda loads it at every cold start."""

import os
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import zipfile

LARGEST_ZIP = 5 * 1000 * 1000

# More than enough for a median on a machine that does other things too.
STARTS = 25

# Of the forms that the configuration demands; nothing is called before the first event.
FORMS = {
    "LETHE_PUBLIC_URL": "https://eu.lethe.example",
    "LETHE_REGION_BASE_URLS": "{}",
    "LETHE_ORIGIN_SECRETS": "0" * 32,
    "LETHE_INSTALL_KEYS_URLS": "https://keys.example",
    "LETHE_SITE_HOSTS": ".atlassian.net",
    "LETHE_BRIDGE_SCRIPT_URL": "https://bridge.example/all.js",
    "LETHE_WRAPPING_KEY": "arn:aws:kms:eu-west-1:111122223333:key/1",
    "LETHE_CERTIFICATE_KEY": "arn:aws:kms:eu-west-1:111122223333:key/2",
    "LETHE_KEY_BACKUP_DAYS": "7",
    "LETHE_DATA_BACKUP_DAYS": "35",
    "LETHE_SENTRY_DSN": "off",
    "LETHE_GA4_URL": "https://analytics.example",
    "LETHE_GA4_MEASUREMENT_ID": "off",
    "LETHE_GA4_API_SECRET": "elsewhere",
    "LETHE_DATADOG_API_URL": "off",
    "LETHE_DATADOG_API_KEY": "elsewhere",
}


def environment(template, address):
    with open(template) as file:
        names = set(re.findall(r"\b(LETHE_[A-Z_]+):", file.read()))
    aws = {"AWS_REGION": "eu-west-1", "AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": "key", "AWS_SESSION_TOKEN": "token"}
    function = {"AWS_LAMBDA_FUNCTION_NAME": "f", "AWS_LAMBDA_FUNCTION_VERSION": "1", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256"}
    return {name: FORMS.get(name, "given") for name in names} | aws | function | {"AWS_LAMBDA_RUNTIME_API": address}


def start(binary, template):
    """Milliseconds from the start of the process to its first GET …/invocation/next."""
    with socket.create_server(("127.0.0.1", 0)) as api:
        api.settimeout(20)
        given = environment(template, "127.0.0.1:%d" % api.getsockname()[1])
        began = time.perf_counter()
        process = subprocess.Popen([binary], env=given, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        try:
            connection, _ = api.accept()
            asked = connection.recv(200)
            took = (time.perf_counter() - began) * 1000
            if b"/runtime/invocation/next" not in asked:
                sys.exit(f"{binary} asked for something else first: {asked!r}")
            connection.close()
            return took
        except TimeoutError:
            process.kill()
            sys.exit(f"{binary} asks for no event: {process.communicate()[0].decode()}")
        finally:
            process.kill()
            process.communicate()


def zipped(binary):
    with tempfile.TemporaryFile() as file:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.write(binary, "bootstrap")
        return file.tell()


def main(template, folder, names):
    too_large = []
    print("| function | binary, MB | zip, MB | start to first event asked for, ms: median, least |")
    print("|---|---|---|---|")
    for name in names:
        binary = os.path.join(folder, name, "bootstrap")
        size = zipped(binary)
        times = [start(binary, template) for _ in range(STARTS)]
        print(f"| `{name}` | {os.path.getsize(binary) / 1e6:.2f} | {size / 1e6:.2f} | {statistics.median(times):.1f}, {min(times):.1f} |")
        too_large += [name] if size > LARGEST_ZIP else []
    if too_large:
        sys.exit(f"larger than {LARGEST_ZIP} bytes when zipped: {too_large}")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3:])
