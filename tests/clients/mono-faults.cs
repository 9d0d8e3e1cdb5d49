// Mono: what its client of web services throws under the faults of rules and of TLS.

using System;
using System.Net;
using System.Text;
using static Checks;

static class MonoFaults
{
    // Mono does not fill its text in.
    const string OtherType = "InvalidOperationException: Client found response content type of '{0}', but expected '{1}'.";

    static void Main()
    {
        Rule("reset", "WebException UnknownError");
        Rule("close", "WebException ReceiveFailure");
        Rule("mid-header", "WebException ReceiveFailure");
        Rule("mid-body", "InvalidOperationException: Response is not well-formed XML.");
        Rule("bad-chunks", "WebException ServerProtocolViolation");
        Rule("truncated", "InvalidOperationException: Response is not well-formed XML.");
        Rule("garbage", "InvalidOperationException: Response is not well-formed XML.");
        Rule("content-type", OtherType);
        Rule("page-200", OtherType);
        Rule("page-500", OtherType);
        Rule("oversized", "True");
        Rule("drip", "True");
        Rule("sign-in", "WebException ProtocolError 401");
        Rule("retry-after", "WebException ProtocolError 503");

        Tls("refused", "WebException SecureChannelFailure");
        Tls("expired", "WebException TrustFailure");
        Tls("wrong-name", "WebException TrustFailure");
        Tls("unknown-authority", "WebException TrustFailure");
        Tls("protocol-version", "WebException SecureChannelFailure");
        Tls("reset", "WebException SecureChannelFailure");
        Switch("DELETE", null);
        Check("after the faults of TLS", Asked("well"), "True");
    }

    // A fault of a rule; the next call is well.
    static void Rule(string user, string wanted)
    {
        Check(user, Asked(user), wanted);
        Check("after " + user, Asked("well"), "True");
    }

    static void Tls(string fault, string wanted)
    {
        Switch("PUT", "{\"fault\": \"" + fault + "\", \"lasts\": \"1m\"}");
        Check("TLS: " + fault, Asked("well"), wanted);
    }

    // What a call that names this user returns or throws.
    static string Asked(string user)
    {
        // The drip takes longer than this, and its headers do not.
        var service = new Soap11.PfWsSdk { Url = Address, Timeout = 3000, Credentials = new NetworkCredential(Account, Password) };
        Soap11.Error error;
        string found = null;
        var thrown = Thrown(() => found = service.UserExists(user, out error).ToString());
        return found ?? thrown.Split('\n')[0].TrimEnd();
    }

    static void Switch(string method, string body)
    {
        var request = (HttpWebRequest)WebRequest.Create(Environment.GetEnvironmentVariable("ADMIN") + "/tls-fault");
        request.Method = method;
        if (body != null)
        {
            request.ContentType = "application/json";
            var bytes = Encoding.UTF8.GetBytes(body);
            using (var stream = request.GetRequestStream()) stream.Write(bytes, 0, bytes.Length);
        }
        using (request.GetResponse()) { }
    }
}
