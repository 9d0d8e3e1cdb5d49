"""The story that the clients in all languages tell: a text gate and a phone gate, as Identity Manager calls them.

`caller` is the program under test.
"""

import concurrent.futures

import pytest
from caller import call

NUMBER = "+1 425 555 0100"


@pytest.fixture(scope="session")
def locmfa_scenario():
    return "users: [mimservice]\ncompany: {ring: 0s}\n"


# The story: begin
def test_a_text_gate_and_a_phone_gate_pass(locmfa_server, locmfa_space):
    space, trust = locmfa_space, locmfa_server.ssl_context()

    assert call(space.url, trust, "PfAuthUser_5", username="mimservice", mode="smsText", phoneNumber=NUMBER) == (True, 20)
    code = space.wait_for_message(to=NUMBER)["code"]
    assert call(space.url, trust, "ValidatePasscode", username="mimservice", passcode=code)[0]
    space.verify([{"where": {"operation": "ValidatePasscode", "outcome": "true*"}, "exactly": 1}])

    space.add_rule({"first": {"outcome": "busy", "times": 1}, "then": {"person": "decides"}})
    phone = {"username": "mimservice", "mode": "voiceCall", "phoneNumber": NUMBER}
    assert call(space.url, trust, "PfAuthUser_5", **phone) == (False, 101)
    with concurrent.futures.ThreadPoolExecutor() as pool:
        ringing = pool.submit(call, space.url, trust, "PfAuthUser_5", **phone)
        space.act(space.wait_for_challenge(phone=NUMBER), "answers", {"presses": "#"})
        assert ringing.result() == (True, 2)
    space.verify([{"where": {"operation": "PfAuthUser*", "call_result": 2}, "exactly": 1}])
# The story: end
