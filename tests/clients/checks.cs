// What the lanes of Mono share.

using System;
using System.Net;
using System.Web.Services.Protocols;

static class Checks
{
    public const string Namespace = "http://www.phonefactor.com/PfWsSdk";

    // What `run` tells.
    public static readonly string Address = Environment.GetEnvironmentVariable("SERVICE");
    public static readonly string Authority = Environment.GetEnvironmentVariable("AUTHORITY");
    public static readonly string Account = Environment.GetEnvironmentVariable("ACCOUNT");
    public static readonly string Password = Environment.GetEnvironmentVariable("PASSWORD");

    // Tells whether what was found is what was wanted.
    public static void Check(string name, object found, object wanted)
    {
        if (Equals(found, wanted))
            Console.WriteLine("ok      {0}", name);
        else
            Console.WriteLine("FAILED  {0}\n        wanted {1}\n        found  {2}", name, wanted, found);
    }

    // What a call throws, in one line.
    public static string Thrown(Action call)
    {
        try
        {
            call();
            return "nothing";
        }
        catch (WebException e)
        {
            var response = e.Response as HttpWebResponse;
            return "WebException " + e.Status + (response == null ? "" : " " + (int)response.StatusCode);
        }
        catch (SoapException e)
        {
            return e.GetType().Name + " " + e.Code.Name + ": " + e.Message;
        }
        catch (Exception e)
        {
            return e.GetType().Name + ": " + e.Message;
        }
    }
}
