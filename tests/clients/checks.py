"""What the lanes of Python share. The values in capitals come from `run`."""

import os

import requests
import zeep
from zeep.transports import Transport

NAMESPACE = "http://www.phonefactor.com/PfWsSdk"
SERVICE, AUTHORITY, ACCOUNT, PASSWORD = (os.environ[it] for it in ("SERVICE", "AUTHORITY", "ACCOUNT", "PASSWORD"))


def session(auth=None):
    """A session that trusts our authority, whatever the environment says."""
    session = requests.Session()
    session.trust_env = False
    session.verify = AUTHORITY
    session.auth = auth
    return session


def client(auth):
    """A client made of the service description, which it reads over HTTPS."""
    return zeep.Client(SERVICE + "?WSDL", transport=Transport(session=session(auth), timeout=20, operation_timeout=20))


def check(name, found, wanted):
    """Tells whether what was found is what was wanted."""
    if found == wanted:
        print("ok     ", name, flush=True)
    else:
        print(f"FAILED  {name}\n        wanted {wanted!r}\n        found  {found!r}", flush=True)


def ends_with(call):
    """What a call ends with: the name of the exception and what it says."""
    try:
        return call()
    except zeep.exceptions.Fault as fault:
        return f"Fault {fault.code}: {fault.message}"
    except requests.HTTPError as error:
        return f"HTTPError {error.response.status_code}"
    except (requests.RequestException, zeep.exceptions.Error) as error:
        return f"{type(error).__name__}"
