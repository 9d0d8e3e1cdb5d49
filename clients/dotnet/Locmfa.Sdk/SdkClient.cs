using System;
using System.IdentityModel.Selectors;
using System.Net;
using System.ServiceModel;
using System.ServiceModel.Security;

namespace Locmfa.Sdk
{
    /// <summary>Channels to the service, set so that they meet no default of WCF before the service has answered.</summary>
    public static class SdkClient
    {
        /// <summary>A channel. Close it, or abort it after an exception.</summary>
        /// <typeparam name="T"><see cref="ISdk"/> or <see cref="ISdkAsync"/>.</typeparam>
        /// <param name="service">The URL of the service.</param>
        /// <param name="credential">Who signs in, by NTLM; null: the client does not.</param>
        /// <param name="validator">Which certificate is trusted; null: what the machine trusts.</param>
        public static T Create<T>(Uri service, NetworkCredential credential = null, X509CertificateValidator validator = null)
        {
            var binding = new BasicHttpBinding(BasicHttpSecurityMode.Transport)
            {
                // WCF gives a call 60 s, and so does the service a phone that rings.
                SendTimeout = TimeSpan.FromMinutes(5),
                // FindUsers with many rows is more than WCF's 64 KB.
                MaxReceivedMessageSize = 64 << 20,
            };
            if (credential != null)
            {
                binding.Security.Transport.ClientCredentialType = HttpClientCredentialType.Ntlm;
            }
            var factory = new ChannelFactory<T>(binding, new EndpointAddress(service));
            if (credential != null)
            {
                factory.Credentials.Windows.ClientCredential = credential;
                // Mono takes them from here.
                factory.Credentials.UserName.UserName = credential.Domain.Length > 0 ? credential.Domain + "\\" + credential.UserName : credential.UserName;
                factory.Credentials.UserName.Password = credential.Password;
            }
            if (validator != null)
            {
                factory.Credentials.ServiceCertificate.SslCertificateAuthentication = new X509ServiceCertificateAuthentication
                {
                    CertificateValidationMode = X509CertificateValidationMode.Custom,
                    CustomCertificateValidator = validator,
                };
            }
            return factory.CreateChannel();
        }
    }
}
