# The same look in every plot: colours that most colour-blind readers can tell apart.
set terminal svg size 1100,60+400*rows font 'sans-serif,13' background rgb 'white' noenhanced
set datafile missing 'nan'
set grid lc rgb '#dddddd'
set xlabel 'model calls a sample'
set xtics (5, 10, 15, 20, 25, 50, 100)
set linetype 1 lc rgb '#888888' pt 1
set linetype 2 lc rgb '#56b4e9' pt 2
set linetype 3 lc rgb '#cc79a7' pt 4
set linetype 4 lc rgb '#e69f00' pt 8
set linetype 5 lc rgb '#009e73' pt 7
set linetype 6 lc rgb '#0072b2' pt 5
set linetype 7 lc rgb '#d55e00' pt 9
set linetype 8 lc rgb '#7b3294' pt 13
set linetype 9 lc rgb '#000000' pt 6
