// The one place where the non-template code of Asio and Beast is compiled: the build defines
// BOOST_ASIO_SEPARATE_COMPILATION and BOOST_BEAST_SEPARATE_COMPILATION everywhere.
#include <boost/asio/impl/src.hpp>
#include <boost/beast/src.hpp>
