using System;
using System.Collections;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Reflection;
using System.Runtime.Serialization.Json;
using System.Text;
using System.Xml;
using System.Xml.Linq;

namespace Locmfa.Testing
{
    /// <summary>JSON, read as the framework reads it: each member is an element of its name, with an attribute <c>type</c>.</summary>
    internal static class Json
    {
        public static XElement Read(string text)
        {
            var bytes = Encoding.UTF8.GetBytes(text);
            using (var reader = JsonReaderWriterFactory.CreateJsonReader(bytes, XmlDictionaryReaderQuotas.Max))
            {
                return XElement.Load(reader);
            }
        }

        /// <summary>A member's value as text; null where it is null or missing.</summary>
        public static string Text(this XElement item, string name)
        {
            var member = item.Element(name);
            return member == null || (string)member.Attribute("type") == "null" ? null : member.Value;
        }

        public static int? Number(this XElement item, string name)
        {
            var text = item.Text(name);
            return text == null ? (int?)null : int.Parse(text, CultureInfo.InvariantCulture);
        }

        public static DateTimeOffset Moment(this XElement item, string name)
        {
            return DateTimeOffset.Parse(item.Text(name), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal);
        }

        /// <summary>Writes a value. Members that are null are left out; the name <c>FirstName</c> becomes <c>first_name</c>.</summary>
        public static string Write(object value)
        {
            var text = new StringBuilder();
            Write(text, value);
            return text.ToString();
        }

        /// <summary>A value in a query, or a length or moment in a body.</summary>
        public static string Word(object value)
        {
            if (value is bool truth)
            {
                return truth ? "true" : "false";
            }
            if (value is TimeSpan span)
            {
                return span.TotalMilliseconds.ToString("0", CultureInfo.InvariantCulture) + "ms";
            }
            if (value is DateTime time)
            {
                value = new DateTimeOffset(time);
            }
            if (value is DateTimeOffset moment)
            {
                return moment.UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ss.FFFFFFFZ", CultureInfo.InvariantCulture);
            }
            return Convert.ToString(value, CultureInfo.InvariantCulture);
        }

        /// <summary>The members of an object or dictionary that are not null, by the names that the API has for them.</summary>
        public static IEnumerable<KeyValuePair<string, object>> Members(object value)
        {
            if (value is IDictionary dictionary)
            {
                return dictionary.Keys.Cast<object>().Select(it => new KeyValuePair<string, object>(Word(it), dictionary[it])).Where(it => it.Value != null);
            }
            var properties = value.GetType().GetProperties(BindingFlags.Instance | BindingFlags.Public);
            return properties.Select(it => new KeyValuePair<string, object>(Snake(it.Name), it.GetValue(value))).Where(it => it.Value != null);
        }

        private static void Write(StringBuilder text, object value)
        {
            if (value is string || value is char || value is TimeSpan || value is DateTime || value is DateTimeOffset || value is Enum)
            {
                Quote(text, Word(value));
            }
            else if (value is IDictionary == false && value is IEnumerable list)
            {
                Join(text, '[', list.Cast<object>(), ']', it => Write(text, it));
            }
            else if (value is bool || value.GetType().IsPrimitive || value is decimal)
            {
                text.Append(Word(value));
            }
            else
            {
                Join(text, '{', Members(value), '}', member =>
                {
                    Quote(text, member.Key);
                    text.Append(':');
                    Write(text, member.Value);
                });
            }
        }

        private static void Join<T>(StringBuilder text, char open, IEnumerable<T> items, char close, Action<T> write)
        {
            text.Append(open);
            var isFirst = true;
            foreach (var item in items)
            {
                if (!isFirst)
                {
                    text.Append(',');
                }
                isFirst = false;
                write(item);
            }
            text.Append(close);
        }

        private static void Quote(StringBuilder text, string value)
        {
            text.Append('"');
            foreach (var one in value)
            {
                if (one == '"' || one == '\\')
                {
                    text.Append('\\').Append(one);
                }
                else if (one < ' ' || one > '~')
                {
                    text.AppendFormat(CultureInfo.InvariantCulture, "\\u{0:x4}", (int)one);
                }
                else
                {
                    text.Append(one);
                }
            }
            text.Append('"');
        }

        private static string Snake(string name)
        {
            var text = new StringBuilder();
            foreach (var one in name)
            {
                if (char.IsUpper(one) && text.Length > 0)
                {
                    text.Append('_');
                }
                text.Append(char.ToLowerInvariant(one));
            }
            return text.ToString();
        }
    }
}
