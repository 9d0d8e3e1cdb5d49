using System;

namespace Locmfa.Testing
{
    /// <summary>Why locmfa did not do what a test asked. The message has the detail, the remedy, and the end of the log.</summary>
    public class LocmfaException : Exception
    {
        internal LocmfaException(string detail, string remedy = "", string log = "", string kind = "", Exception inner = null)
            : base(Compose(detail, remedy, log), inner)
        {
            Detail = detail;
            Remedy = remedy;
            Log = log;
            Kind = kind;
        }

        /// <summary>What is wrong, and where.</summary>
        public string Detail { get; }

        /// <summary>What to do about it; empty where that is not known.</summary>
        public string Remedy { get; }

        /// <summary>The last lines that the server logged; empty where they say nothing about it.</summary>
        public string Log { get; }

        /// <summary>The kind of the admin API's problem, such as <c>unknown-user</c>; empty where it is none.</summary>
        public string Kind { get; }

        private static string Compose(string detail, string remedy, string log)
        {
            var message = remedy.Length == 0 ? detail : detail + " " + remedy;
            return log.Length == 0 ? message : message + Environment.NewLine + "The last lines of the log:" + Environment.NewLine + log;
        }
    }

    /// <summary>What a test waited for did not come in time.</summary>
    public sealed class LocmfaTimeoutException : LocmfaException
    {
        internal LocmfaTimeoutException(string detail, string log) : base(detail, "", log)
        {
        }
    }

    /// <summary>What happened is not what was expected, or it is not known any more. The detail says what came nearest.</summary>
    public sealed class LocmfaVerificationException : LocmfaException
    {
        internal LocmfaVerificationException(string detail, string remedy, string kind) : base(detail, remedy, "", kind)
        {
        }
    }
}
