using System;
using System.Collections.Generic;
using System.Linq;
using System.Net;
using System.Net.Http;
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;

namespace Locmfa.Testing
{
    /// <summary>Trust in the authority of one server, and in no other. Nothing is added to a store of this machine.</summary>
    public sealed class LocmfaTrust
    {
        private readonly List<byte[]> own;

        internal LocmfaTrust(X509Certificate2 authority, IEnumerable<X509Certificate2> own)
        {
            Authority = authority;
            this.own = own.Select(it => it.RawData).ToList();
        }

        /// <summary>The certificate of the authority; null where the server was given a certificate, or serves plain HTTP.</summary>
        public X509Certificate2 Authority { get; }

        /// <summary>Whether the authority issued a certificate that is valid now.</summary>
        public bool Trusts(X509Certificate2 certificate)
        {
            if (Authority == null)
            {
                return false;
            }
            using (var chain = new X509Chain())
            {
                chain.ChainPolicy.ExtraStore.Add(Authority);
                chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
                // The authority is in no store of this machine, so the root is compared below.
                chain.ChainPolicy.VerificationFlags = X509VerificationFlags.AllowUnknownCertificateAuthority;
                try
                {
                    if (!chain.Build(certificate))
                    {
                        return false;
                    }
                }
                catch (NotSupportedException)
                {
                    // The chains of Mono know no elliptic curves. There, it must be a certificate of the server's own folder.
                    return own.Any(it => it.SequenceEqual(certificate.RawData));
                }
                var elements = chain.ChainElements;
                return elements.Count > 1 && elements[elements.Count - 1].Certificate.RawData.SequenceEqual(Authority.RawData);
            }
        }

        /// <summary>For <c>SslStream</c> and <c>ServicePointManager.ServerCertificateValidationCallback</c>.</summary>
        public bool Validate(object sender, X509Certificate certificate, X509Chain chain, SslPolicyErrors errors)
        {
            if (errors == SslPolicyErrors.None)
            {
                return true;
            }
            return (errors & ~SslPolicyErrors.RemoteCertificateChainErrors) == SslPolicyErrors.None
                && certificate != null && Trusts(new X509Certificate2(certificate));
        }

        /// <summary>A handler for <c>HttpClient</c> that trusts the authority.</summary>
        /// <param name="credentials">Who signs in; null: the client does not.</param>
        public HttpClientHandler CreateHandler(ICredentials credentials = null)
        {
            return new HttpClientHandler
            {
                UseProxy = false,
                MaxConnectionsPerServer = 256,
                Credentials = credentials,
                ServerCertificateCustomValidationCallback = (request, certificate, chain, errors) => Validate(request, certificate, chain, errors),
            };
        }

#if NET472
        /// <summary>For WCF: <c>SslCertificateAuthentication.CustomCertificateValidator</c> and <c>ServiceCertificate.Authentication</c>.</summary>
        public System.IdentityModel.Selectors.X509CertificateValidator CreateCertificateValidator()
        {
            return new Validator(this);
        }

        private sealed class Validator : System.IdentityModel.Selectors.X509CertificateValidator
        {
            private readonly LocmfaTrust trust;

            public Validator(LocmfaTrust trust)
            {
                this.trust = trust;
            }

            public override void Validate(X509Certificate2 certificate)
            {
                if (!trust.Trusts(certificate))
                {
                    throw new System.IdentityModel.Tokens.SecurityTokenValidationException($"{certificate.Subject} is not from the authority of this locmfa.");
                }
            }
        }
#endif
    }
}
