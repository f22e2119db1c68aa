"""Describes why a server cannot be reached, for the person who has to fix it.

The descriptions are derived from the error texts of libraries. These texts are not passed on, because they wrap the
cause in different ways, and repeat addresses that may contain a password.
"""

NO_ANSWER = "unreachable: no answer to connecting within the time limit"
SILENT = "connected, but no answer within the time limit"


def describe_connection_error(reason: str) -> str:
    """Why a connection failed, from a library's text."""
    if "refused" in reason:
        return "unreachable: the connection was refused, nothing listens there"
    if any(words in reason for words in ("resolve", "not known", "No address", "name resolution", "getaddrinfo")):
        return "unreachable: unknown host, the name does not resolve"
    if "timed out" in reason:
        return NO_ANSWER
    if "unreachable" in reason or "No route" in reason:
        return "unreachable: there is no route to this host"
    return "unreachable: no connection"


def describe_tls_error(reason: str) -> str:
    """What is wrong with TLS, from OpenSSL's text."""
    if "CERTIFICATE_VERIFY_FAILED" in reason:
        why = reason.partition("certificate verify failed: ")[2].partition(" (_ssl")[0] or "not trusted"
        return f"TLS: the server's certificate is refused: {why}; name its authority (AWS_CA_BUNDLE, SSL_CERT_FILE)"
    if "WRONG_VERSION_NUMBER" in reason or "UNKNOWN_PROTOCOL" in reason:
        return "TLS: the server does not speak TLS on this port: http:// instead of https://?"
    return f"TLS: no secure connection: {reason.partition('] ')[2].partition(' (_ssl')[0] or 'handshake failed'}"
