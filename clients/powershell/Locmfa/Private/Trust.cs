// Compiled by Add-Type, so in the C# 5 of Windows PowerShell 5.1.
using System;
using System.Linq;
using System.Net;
using System.Net.Http;
using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;

namespace Locmfa.PowerShell
{
    // Trust in one authority, and in no other. Nothing is added to a store of this machine.
    public static class Trust
    {
        public static HttpClientHandler CreateHandler(string authority, ICredentials credentials)
        {
            HttpClientHandler handler = new HttpClientHandler();
            handler.UseProxy = false;
            handler.MaxConnectionsPerServer = 256;
            handler.Credentials = credentials;
            if (Environment.Version.Major == 4)
            {
                // Windows PowerShell would offer TLS 1.0.
                handler.SslProtocols = SslProtocols.Tls12;
            }
            if (!string.IsNullOrEmpty(authority))
            {
                X509Certificate2 root = new X509Certificate2(authority);
                handler.ServerCertificateCustomValidationCallback = (request, certificate, chain, errors) =>
                    errors == SslPolicyErrors.None
                    || errors == SslPolicyErrors.RemoteCertificateChainErrors && IsFrom(root, certificate);
            }
            return handler;
        }

        private static bool IsFrom(X509Certificate2 root, X509Certificate2 certificate)
        {
            X509Chain chain = new X509Chain();
            chain.ChainPolicy.ExtraStore.Add(root);
            chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
            // The authority is in no store of this machine, so the root is compared.
            chain.ChainPolicy.VerificationFlags = X509VerificationFlags.AllowUnknownCertificateAuthority;
            int last = chain.Build(certificate) ? chain.ChainElements.Count - 1 : 0;
            return last > 0 && chain.ChainElements[last].Certificate.RawData.SequenceEqual(root.RawData);
        }
    }
}
