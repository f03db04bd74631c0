use super::*;

fn hop(proxy: &Proxy, url: &str) -> Option<String> {
    proxy.next_hop(&Target::parse(url).unwrap()).map(|hop| hop.name().to_owned())
}

fn of_environment(set: &[(&str, &str)]) -> Proxy {
    let find = |name: &str| set.iter().find(|(set, _)| *set == name);
    Proxy::of(Rules::of_environment(|name| find(name).map(|(_, value)| value.to_string())))
}

#[test]
fn a_proxy_is_for_all_servers_but_those_that_are_excepted() {
    let proxy = Proxy::new("http://proxy:3128").unwrap();
    for url in ["ws://a.example", "tcp://a.example:1", "ws://127.0.0.1:1", "ws://[::1]:1"] {
        assert_eq!(hop(&proxy, url).as_deref(), Some("proxy:3128"), "{url}");
    }
    let proxy = proxy.except("a.example, 10.0.0.0/8");
    for (url, is_led) in [
        ("ws://a.example", false),
        ("ws://b.a.example:81/rpc?x", false),
        ("ws://ba.example", true),
        ("tcp://10.1.2.3:4", false),
        ("tcp://11.1.2.3:4", true),
    ] {
        assert_eq!(hop(&proxy, url).is_some(), is_led, "{url}");
    }
    assert!(hop(&proxy.except(""), "ws://a.example").is_some());
    let proxy = Proxy::new("proxy").unwrap();
    assert_eq!(hop(&proxy, "ws://a").as_deref(), Some("proxy:80"));
}

#[test]
fn what_this_machine_alone_can_reach_has_no_proxy() {
    let proxy = Proxy::new("socks5h://proxy").unwrap();
    assert_eq!(hop(&proxy, "ws://a").as_deref(), Some("proxy:1080"));
    assert_eq!(hop(&proxy, "ws://[fe80::1%25eth0]:1"), None);
    #[cfg(unix)]
    assert_eq!((hop(&proxy, "ws+unix:///a"), hop(&proxy, "unix:///a")), (None, None));
}

#[test]
fn a_url_that_is_none_of_a_proxy_is_not_repeated() {
    for url in [
        "",
        "ftp://secret",
        "socks4://secret",
        "http://",
        "http://secret/path",
        "http://secret?x",
        "http://secret:0",
        "http://secret:70000",
        "http://secret:x",
        "http:// secret",
    ] {
        let error = Proxy::new(url).unwrap_err();
        let text = format!("{error} {error:?}");
        assert!(text.contains("`http://host:port`") && !text.contains("secret"), "{url}: {text}");
        assert!(!error.may_retry());
    }
    #[cfg(not(feature = "tls-no-provider"))]
    assert!(Proxy::new("https://proxy").unwrap_err().to_string().contains("the feature `tls`"));
}

#[test]
fn a_password_is_not_shown() {
    for scheme in ["http", "socks5", "socks5h"] {
        let proxy = Proxy::new(&format!("{scheme}://ada:secret@[::1]:3128")).unwrap();
        assert_eq!(hop(&proxy, "ws://a").as_deref(), Some("[::1]:3128"));
        let text = format!("{proxy:?}");
        assert!(text.contains("[::1]:3128") && !text.contains("secret"), "{text}");
    }
}

#[test]
fn the_environment_has_a_proxy_for_each_kind_of_server() {
    let all = ("all_proxy", "socks5://all:1");
    let plain = of_environment(&[all, ("HTTP_PROXY", "http://p:2"), ("http_proxy", "http://q:2")]);
    assert_eq!(hop(&plain, "ws://a").as_deref(), Some("p:2"));
    assert_eq!(hop(&plain, "tcp://a:1").as_deref(), Some("p:2"));
    let none = of_environment(&[("NO_PROXY", "*"), all]);
    assert_eq!(hop(&none, "ws://a"), None);
    assert_eq!(hop(&of_environment(&[]), "ws://a"), None);
    // Anyone may set `HTTP_PROXY` of a CGI script, by the header `Proxy`.
    let cgi = [("REQUEST_METHOD", "GET"), ("HTTP_PROXY", "http://evil:1")];
    assert_eq!(hop(&of_environment(&cgi), "ws://a"), None);
    #[cfg(feature = "tls-no-provider")]
    {
        let secure = of_environment(&[all, ("HTTPS_PROXY", "http://s:3")]);
        let hops = ["wss://a", "tls://a:1", "ws://a"].map(|url| hop(&secure, url));
        assert_eq!(hops.map(Option::unwrap), ["s:3", "s:3", "all:1"]);
    }
}
